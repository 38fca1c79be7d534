namespace Dataplane.Ports;

/// <summary>A driver of software ports, chosen by the name at the start of a <c>--vdev</c> argument.</summary>
/// <remarks>A device is the driver's name and any suffix: <c>net_null0</c>.</remarks>
public interface IVdevDriver : IPortSource
{
    /// <summary>The keys that a device argument may have; any other is refused before <see cref="Create"/> is called.</summary>
    IReadOnlyList<DevargKey> Keys { get; }

    /// <summary>Makes a port. What is half made is given back before it throws.</summary>
    /// <exception cref="DataplaneException">An argument is wrong, or the system refused.</exception>
    Port Create(PortContext context, Devargs arguments);
}

/// <summary>A key of a device argument.</summary>
/// <param name="Name">As it stands before the equals sign.</param>
/// <param name="Meaning">What it does, with its default, in a few words.</param>
/// <param name="Repeatable">Whether it may be given more than once, such as a file per queue.</param>
public sealed record DevargKey(string Name, string Meaning, bool Repeatable = false);
