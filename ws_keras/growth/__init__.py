"""Models that get more classes or words, and keep what they have learned."""
