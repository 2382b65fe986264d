"""What the library costs, next to the least that the same work can cost."""
