namespace Boon.Broker.Transport;

/// <summary>
/// The broker cannot be reached, does not answer in time, or refuses. The message says which, and holds no password. Whoever gets it drops
/// its publisher or consumer, connects anew and goes on from what it knows to be done.
/// </summary>
public sealed class BrokerException(string message, Exception? inner = null) : Exception(message, inner);
