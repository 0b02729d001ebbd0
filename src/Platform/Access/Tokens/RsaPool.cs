using System.Security.Cryptography;
using Microsoft.Extensions.ObjectPool;

namespace Boon.Platform.Access.Tokens;

/// <summary>
/// Loaded RSA objects of one key. The framework does not promise that an RSA instance may be shared between threads, and
/// loading one costs as much as a verification, so each call borrows one. Those that are kept (two for each processor) are
/// released by their handles' finalizers when the key is forgotten: a key may leave while calls are still using it.
/// </summary>
internal static class RsaPool
{
    internal static ObjectPool<RSA> Of(RSAParameters key) => new DefaultObjectPoolProvider().Create(new Policy(key));

    private sealed class Policy(RSAParameters key) : PooledObjectPolicy<RSA>
    {
        public override RSA Create() => RSA.Create(key);

        public override bool Return(RSA obj) => true;
    }
}
