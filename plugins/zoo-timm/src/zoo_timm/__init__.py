"""Networks of timm as zoo backbones."""
