"""Network in Network against the same layers written by hand."""

import torch
from torch import nn
from zoo_example.nin import NIN


def test_weights_of_a_plain_sequential_give_the_same_logits():
    def stage(inputs, outputs, kernel):
        yield from (nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2), nn.ReLU())
        for _ in range(2):
            yield from (nn.Conv2d(outputs, outputs, 1), nn.ReLU())

    def closed(inputs, outputs, kernel):
        yield from (*stage(inputs, outputs, kernel), nn.MaxPool2d(3, 2, 1), nn.Dropout())

    plain = nn.Sequential(*closed(3, 8, 5), *closed(8, 8, 5), *stage(8, 8, 3), nn.Conv2d(8, 10, 1)).eval()
    net = NIN(channels=(8, 8, 8)).eval()
    head = net.original_head(10, net.block_infos()[-1:])
    state = net.convert(plain.state_dict())
    net.load_state_dict({k: v for k, v in state.items() if not k.startswith("head.")})
    head.load_state_dict({k[5:]: v for k, v in state.items() if k.startswith("head.")})
    x = torch.rand(2, 3, 32, 32)
    torch.testing.assert_close(head(net(x)), plain(x).mean((2, 3)))
