"""The native face: consumers, actions, permissions, observers, as a JSON client meets them."""
