"""What happens to weights between rounds."""
