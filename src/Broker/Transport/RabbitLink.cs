using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;

namespace Boon.Broker.Transport;

/// <summary>
/// A connection to RabbitMQ with one channel. It never recovers by itself: publishes that were under way would be lost silently. Waits are
/// bounded outside of the client, which gets no token: a call that is cancelled inside it can leave others hanging.
/// </summary>
internal sealed class RabbitLink : IAsyncDisposable
{
    private static readonly TimeSpan CloseLimit = TimeSpan.FromSeconds(2);

    /// <summary>RabbitMQ "does not find" a stream either while the node that has it is down.</summary>
    private const string Inaccessible = "down or inaccessible";

    private readonly IConnection connection;
    private readonly BrokerSettings settings;

    private RabbitLink(IConnection connection, IChannel channel, BrokerSettings settings)
    {
        this.connection = connection;
        this.settings = settings;
        Channel = channel;
        State = new LinkState(settings.Address);
        connection.ConnectionShutdownAsync += (_, why) => BreakAsync(why.ReplyText);
        channel.ChannelShutdownAsync += (_, why) => BreakAsync(why.ReplyText);
    }

    internal IChannel Channel { get; }

    internal LinkState State { get; }

    /// <summary>
    /// How long nothing may come before the broker is asked whether it lives. The client's own heartbeats let a reader of a broker that
    /// hangs wait for minutes.
    /// </summary>
    internal TimeSpan Patience => settings.Heartbeat;

    /// <summary>Connects.</summary>
    internal static async Task<RabbitLink> OpenAsync(BrokerSettings settings, string purpose, CancellationToken ct)
    {
        var address = settings.Address;
        var factory = new ConnectionFactory
        {
            UserName = address.User!, Password = settings.Password!, VirtualHost = address.VirtualHost, AutomaticRecoveryEnabled = false,
            TopologyRecoveryEnabled = false, ClientProvidedName = purpose, RequestedHeartbeat = settings.Heartbeat,
            RequestedConnectionTimeout = settings.AnswerLimit, HandshakeContinuationTimeout = settings.AnswerLimit,
            ContinuationTimeout = settings.AnswerLimit, SocketReadTimeout = settings.AnswerLimit, SocketWriteTimeout = settings.AnswerLimit,
        };
        var endpoints = address.Hosts.Select(one => new AmqpTcpEndpoint(one.Host, one.Port,
            new SslOption { Enabled = address.IsEncrypted, ServerName = one.Host }));
        IConnection? connection = null;
        // The client has not kept its limits with a broker that takes connections and then hangs: it is told to end, and not waited for.
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(ct);
        limit.CancelAfter(settings.AnswerLimit);
        var connecting = factory.CreateConnectionAsync(endpoints, purpose, limit.Token);
        try
        {
            connection = await connecting.WaitAsync(settings.AnswerLimit + CloseLimit, ct);
            // Confirmations are followed by the publisher: with the client's own way, messages that are written side by side have no order.
            var channel = await connection.CreateChannelAsync(
                new CreateChannelOptions(publisherConfirmationsEnabled: true, publisherConfirmationTrackingEnabled: false),
                CancellationToken.None).WaitAsync(settings.AnswerLimit, ct);
            return new RabbitLink(connection, channel, settings);
        }
        catch (Exception error)
        {
            if (connection is not null)
                await CloseAsync(connection);
            else
                _ = CloseLaterAsync(connecting);
            ct.ThrowIfCancellationRequested();
            throw new BrokerException($"The broker {address} cannot be reached: {Reason(error)}", error);
        }
    }

    /// <summary>Closes a connection that nobody waits for any more, if it ever comes.</summary>
    private static async Task CloseLaterAsync(Task<IConnection> connecting)
    {
        try
        {
            await CloseAsync(await connecting);
        }
        catch (Exception error) when (error is BrokerUnreachableException or OperationCanceledException)
        {
            // it never came
        }
    }

    /// <summary>
    /// Asks, and waits no longer than an answer may take. After a failure this link is of no more use. The client throws some failures
    /// before it gives a task, so the question is asked in here.
    /// </summary>
    internal async Task<T> AskAsync<T>(Func<Task<T>> question, CancellationToken ct)
    {
        try
        {
            return await question().WaitAsync(settings.AnswerLimit, ct);
        }
        catch (Exception error)
        {
            State.Break(Reason(error));
            if (error is OperationCanceledException && ct.IsCancellationRequested)
                throw;
            throw State.Failure(error);
        }
    }

    /// <summary>The same for what has no answer.</summary>
    internal Task TellAsync(Func<Task> question, CancellationToken ct) => AskAsync(async () =>
    {
        await question();
        return true;
    }, ct);

    /// <summary>How many messages a stream has, as the broker last counted them; null: there is no such stream.</summary>
    internal async Task<uint?> CountAsync(string stream, CancellationToken ct)
    {
        // A question about what is not there costs the channel that asks it.
        return await AskAsync(AskAsideAsync, ct);

        async Task<uint?> AskAsideAsync()
        {
            await using var aside = await connection.CreateChannelAsync(cancellationToken: CancellationToken.None);
            try
            {
                return (await aside.QueueDeclarePassiveAsync(stream, CancellationToken.None)).MessageCount;
            }
            catch (OperationInterruptedException error) when (error.ShutdownReason is { ReplyCode: Constants.NotFound } why
                && !why.ReplyText.Contains(Inaccessible, StringComparison.Ordinal))
            {
                return null;
            }
        }
    }

    /// <summary>Asks whether the broker answers and still has a module's stream.</summary>
    internal async Task DemandAnswerAsync(string module, CancellationToken ct)
    {
        if (await CountAsync(LogTransport.NameOf(module), ct) is not null)
            return;
        State.Break("the stream is gone");
        throw State.Failure();
    }

    private Task BreakAsync(string why)
    {
        State.Break(why);
        return Task.CompletedTask;
    }

    private static string Reason(Exception error) => error switch
    {
        TimeoutException or OperationCanceledException => "it does not answer",
        { InnerException: { } inner } => Reason(inner),
        _ => error.Message,
    };

    /// <summary>Closes, and waits only a moment for a broker that does not listen.</summary>
    public async ValueTask DisposeAsync()
    {
        State.Break("the connection was closed");
        await CloseAsync(connection);
        State.Dispose();
    }

    private static async Task CloseAsync(IConnection connection)
    {
        try
        {
            await connection.AbortAsync(CloseLimit).WaitAsync(2 * CloseLimit);
            await connection.DisposeAsync().AsTask().WaitAsync(2 * CloseLimit);
        }
        catch (Exception error) when (error is TimeoutException or OperationInterruptedException or IOException)
        {
            // it is gone
        }
    }
}
