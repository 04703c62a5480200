"""Text messages: the port (`port`), the demo's file (`lines`) and a provider's HTTP gateway (`gateway`)."""
