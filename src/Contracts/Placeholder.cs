namespace Boon.Contracts;
internal static class Placeholder;
