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
        try
        {
            connection = await factory.CreateConnectionAsync(endpoints, purpose, ct);
            // Confirmations are followed by the publisher: with the client's own way, messages that are written side by side have no order.
            var channel = await connection.CreateChannelAsync(
                new CreateChannelOptions(publisherConfirmationsEnabled: true, publisherConfirmationTrackingEnabled: false), ct);
            return new RabbitLink(connection, channel, settings);
        }
        catch (Exception error) when (error is not OperationCanceledException || !ct.IsCancellationRequested)
        {
            if (connection is not null)
                await connection.DisposeAsync();
            throw new BrokerException($"The broker {address} cannot be reached: {Innermost(error).Message}", error);
        }
    }

    /// <summary>Waits for an answer, and no longer than it may take. After a failure this link is of no more use.</summary>
    internal async Task<T> AskAsync<T>(Task<T> answer, TimeSpan limit, CancellationToken ct)
    {
        try
        {
            return await answer.WaitAsync(limit, ct);
        }
        catch (Exception error)
        {
            State.Break(error is TimeoutException ? "it does not answer" : Innermost(error).Message);
            if (error is OperationCanceledException && ct.IsCancellationRequested)
                throw;
            throw State.Failure(error);
        }
    }

    /// <summary>The same with the ordinary limit.</summary>
    internal Task<T> AskAsync<T>(Task<T> answer, CancellationToken ct) => AskAsync(answer, settings.AnswerLimit, ct);

    /// <summary>The same for what has no answer.</summary>
    internal Task AskAsync(Task answer, CancellationToken ct) => AskAsync(Done(answer), settings.AnswerLimit, ct);

    /// <summary>How many messages a stream has, as the broker last counted them; null: there is no such stream.</summary>
    internal async Task<uint?> CountAsync(string stream, CancellationToken ct)
    {
        // A question about what is not there costs the channel that asks it.
        return await AskAsync(AskAsideAsync(), ct);

        async Task<uint?> AskAsideAsync()
        {
            await using var aside = await connection.CreateChannelAsync(cancellationToken: CancellationToken.None);
            try
            {
                return (await aside.QueueDeclarePassiveAsync(stream, CancellationToken.None)).MessageCount;
            }
            catch (OperationInterruptedException error) when (error.ShutdownReason?.ReplyCode == Constants.NotFound)
            {
                return null;
            }
        }
    }

    private Task BreakAsync(string why)
    {
        State.Break(why);
        return Task.CompletedTask;
    }

    private static async Task<bool> Done(Task task)
    {
        await task;
        return true;
    }

    private static Exception Innermost(Exception error) => error.InnerException is { } inner ? Innermost(inner) : error;

    /// <summary>Closes, and waits only a moment for a broker that does not listen.</summary>
    public async ValueTask DisposeAsync()
    {
        State.Break("the connection was closed");
        try
        {
            await connection.AbortAsync(CloseLimit);
            await connection.DisposeAsync().AsTask().WaitAsync(CloseLimit);
        }
        catch (Exception error) when (error is TimeoutException or OperationInterruptedException or IOException)
        {
            // it is gone
        }
        State.Dispose();
    }
}
