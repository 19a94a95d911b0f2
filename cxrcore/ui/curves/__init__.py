"""The Curves page: ROC, precision-recall, reliability, and bands around them."""
