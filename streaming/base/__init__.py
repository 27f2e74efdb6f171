"""What the machine's parts share and none of them owns: connections, queues of tasks, words of stream types."""
