"""What a network's weights, gradients and outputs are like, by numbers."""
