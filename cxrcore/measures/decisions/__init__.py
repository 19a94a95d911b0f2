"""What a threshold costs, promises and refuses: prevalence, net benefit, abstention, promises, planning."""
