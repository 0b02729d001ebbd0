using Microsoft.AspNetCore.Http.Metadata;

namespace Boon.Platform.Http;

/// <summary>The largest body that an endpoint takes, where it is not that of every call.</summary>
/// <param name="bytes">In bytes.</param>
public sealed class BodyLimit(long bytes) : IRequestSizeLimitMetadata
{
    /// <inheritdoc/>
    public long? MaxRequestBodySize => bytes;
}
