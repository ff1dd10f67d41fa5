"""What `TrainingDoctor` measures, how it judges, and what it writes."""
