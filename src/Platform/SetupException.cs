namespace Boon.Platform;

/// <summary>
/// Something in the settings, the command line or a file is wrong; the message says what and how to mend it, and is all that a person is
/// shown.
/// </summary>
public sealed class SetupException(string message, Exception? inner = null) : Exception(message, inner);
