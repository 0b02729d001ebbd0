using System.Globalization;
using System.IO.Pipelines;
using System.Net;
using System.Text;
using System.Text.Json;
using Boon.Platform.Http;
using Boon.Platform.Input;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.WebUtilities;

namespace Boon.Platform.Hosting;

/// <summary>
/// What the server cannot parse (a path with <c>%00</c>, a line that is too long) it refuses before any middleware and without a body, and
/// closes the connection. Such an answer is made a problem document on its way out: nothing else gets at it. Under TLS the way out begins
/// above the encryption.
/// </summary>
internal static class BareRefusals
{
    internal static void Explain(ListenOptions listen) => listen.Use(next => connection => next(new Connection(connection)));

    /// <summary>
    /// The connection, with our writer in each transport that it is given. This stands outside TLS, which the server adds behind what we
    /// can add: TLS sets its own transport, and the server writes its answers to that.
    /// </summary>
    private sealed class Connection(ConnectionContext inner) : ConnectionContext
    {
        private IDuplexPipe transport = BareRefusals.Transport.Around(inner.Transport);

        public override IDuplexPipe Transport
        {
            get => transport;
            set => transport = BareRefusals.Transport.Around(value);
        }

        public override string ConnectionId { get => inner.ConnectionId; set => inner.ConnectionId = value; }

        public override IFeatureCollection Features => inner.Features;

        public override IDictionary<object, object?> Items { get => inner.Items; set => inner.Items = value; }

        public override CancellationToken ConnectionClosed { get => inner.ConnectionClosed; set => inner.ConnectionClosed = value; }

        public override EndPoint? LocalEndPoint { get => inner.LocalEndPoint; set => inner.LocalEndPoint = value; }

        public override EndPoint? RemoteEndPoint { get => inner.RemoteEndPoint; set => inner.RemoteEndPoint = value; }

        public override void Abort(ConnectionAbortedException abortReason) => inner.Abort(abortReason);

        public override void Abort() => inner.Abort();
    }

    private sealed record Transport(PipeReader Input, PipeWriter Output) : IDuplexPipe
    {
        internal static Transport Around(IDuplexPipe pipe) => pipe as Transport ?? new Transport(pipe.Input, new Writer(pipe.Output));
    }

    /// <summary>Passes all on; looks only at how a piece begins.</summary>
    private sealed class Writer(PipeWriter inner) : PipeWriter
    {
        private Memory<byte> piece;

        public override bool CanGetUnflushedBytes => inner.CanGetUnflushedBytes;

        public override long UnflushedBytes => inner.UnflushedBytes;

        public override Memory<byte> GetMemory(int sizeHint = 0) => piece = inner.GetMemory(sizeHint);

        public override Span<byte> GetSpan(int sizeHint = 0) => (piece = inner.GetMemory(sizeHint)).Span;

        public override void Advance(int bytes)
        {
            var written = bytes <= piece.Length ? piece.Span[..bytes] : default;
            if (IsBare(written) && Explained(written) is var answer && answer.Length <= piece.Length)
            {
                answer.CopyTo(piece.Span);
                bytes = answer.Length;
            }
            piece = default;
            inner.Advance(bytes);
        }

        public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default) =>
            inner.FlushAsync(cancellationToken);

        public override ValueTask<FlushResult> WriteAsync(ReadOnlyMemory<byte> source, CancellationToken cancellationToken = default) =>
            inner.WriteAsync(source, cancellationToken);

        public override void CancelPendingFlush() => inner.CancelPendingFlush();

        public override void Complete(Exception? exception = null) => inner.Complete(exception);

        public override ValueTask CompleteAsync(Exception? exception = null) => inner.CompleteAsync(exception);
    }

    /// <summary>Answers of endpoints have a type or a body; this is one of the server itself.</summary>
    private static bool IsBare(ReadOnlySpan<byte> answer) =>
        answer.StartsWith("HTTP/1.1 "u8) && answer.Length > 12 && answer[9] is (byte)'4' or (byte)'5' && answer.EndsWith("\r\n\r\n"u8)
        && answer.IndexOf("\r\nContent-Length: 0\r\n"u8) > 0 && answer.IndexOf("\r\nConnection: close\r\n"u8) > 0
            && answer.IndexOf("\r\nContent-Type:"u8) < 0;

    private static byte[] Explained(ReadOnlySpan<byte> answer)
    {
        var head = Encoding.ASCII.GetString(answer);
        var status = int.Parse(head.AsSpan(9, 3), CultureInfo.InvariantCulture);
        var (code, detail) = Problems.WordsFor(status);
        var body = JsonSerializer.SerializeToUtf8Bytes(
            new Problem($"urn:boon:error:{code}", ReasonPhrases.GetReasonPhrase(status), status, detail, code, null), Json.Options);
        var explained = head.Replace(
            "\r\nContent-Length: 0\r\n", $"\r\nContent-Type: application/problem+json\r\nContent-Length: {body.Length}\r\n",
            StringComparison.Ordinal);
        return [.. Encoding.ASCII.GetBytes(explained), .. body];
    }
}
