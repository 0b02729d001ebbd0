using Microsoft.AspNetCore.Http.Metadata;

namespace Boon.Platform.Http;

/// <summary>The largest body that an endpoint takes, where it is not that of every call.</summary>
/// <param name="bytes">In bytes.</param>
public sealed class BodyLimit(long bytes) : IRequestSizeLimitMetadata
{
    /// <summary>
    /// That of calls without a token or key: far more than their longest members, and so little that a buffered body stays in memory.
    /// </summary>
    public static BodyLimit OfStrangers { get; } = new(16 * 1024);

    /// <inheritdoc/>
    public long? MaxRequestBodySize => bytes;
}
