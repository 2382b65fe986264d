"""Apps that show the library; they are no part of the package."""
