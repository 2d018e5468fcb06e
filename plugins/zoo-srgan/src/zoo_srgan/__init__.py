"""Super-resolution for zoo: SRResNet and SRGAN."""
