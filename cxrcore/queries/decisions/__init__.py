"""What decisions ask of a store: promises beside what was kept, and how many films or patients a question takes."""
