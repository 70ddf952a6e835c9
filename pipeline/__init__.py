"""Pictures in, feature store out; pictures in, predictions out."""
