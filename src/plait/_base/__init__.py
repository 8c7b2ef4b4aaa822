"""What every layer may use: errors, configuration, the clock, the call protocol. Imports nothing of plait."""
