"""The Keras networks and the scikit-learn classifier around them."""
