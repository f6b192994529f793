"""Forecast what runs to come may bring: the exact path, many draws of chance around it, and the admission dial."""
