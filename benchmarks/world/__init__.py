"""What every contender has in common: the settings, the models, the rows and the save."""
