using System.Net.Sockets;
using Boon.Gateway.Routing;
using Microsoft.AspNetCore.Http;
using Yarp.ReverseProxy.Forwarder;

namespace Boon.Unit.Gateway;

public sealed class FirstFailureTests
{
    private sealed record Failure(ForwarderError Error, Exception? Exception) : IForwarderErrorFeature;

    public static TheoryData<ForwarderError, Exception, bool> Failures => new()
    {
        { ForwarderError.Request, new HttpRequestException("refused", new SocketException(111)), true },
        { ForwarderError.Request, new HttpRequestException("reset", new IOException("reset", new SocketException(104))), true },
        { ForwarderError.Request, new HttpRequestException(HttpRequestError.ConnectionError), true },
        { ForwarderError.Request, new HttpRequestException("ended", new HttpIOException(HttpRequestError.ResponseEnded)), true },
        { ForwarderError.ResponseHeaders, new HttpIOException(HttpRequestError.ResponseEnded), true },
        { ForwarderError.ResponseBodyDestination, new IOException("ended"), true },
        { ForwarderError.Request, new HttpRequestException("a header that cannot be written"), false },
        { ForwarderError.Request, new HttpRequestException("a bad body", new BadHttpRequestException("too large")), false },
        { ForwarderError.ResponseHeaders, new InvalidOperationException("a header that the client cannot be sent"), false },
        { ForwarderError.RequestBodyClient, new IOException("the client went away"), false },
    };

    [Theory, MemberData(nameof(Failures))]
    public void A_process_is_left_out_only_for_what_it_is_to_blame_for(ForwarderError error, Exception exception, bool ofProcess) =>
        FirstFailure.IsOfProcess(new Failure(error, exception)).ShouldBe(ofProcess);
}
