namespace Dataplane.Testing;

/// <summary>Makes cables between namespaces.</summary>
public static class VethPair
{
    /// <summary>Connects two interfaces, which are made and brought up, within a namespace or between two.</summary>
    /// <param name="near">Namespace of the first.</param>
    /// <param name="nearName">Name of the first.</param>
    /// <param name="far">Namespace of the second.</param>
    /// <param name="farName">Name of the second.</param>
    /// <param name="mtu">MTU of both in bytes.</param>
    public static void Connect(NetworkNamespace near, string nearName, NetworkNamespace far, string farName, int mtu = 1500)
    {
        near.Ip("link", "add", nearName, "mtu", $"{mtu}", "type", "veth",
            "peer", "name", farName, "mtu", $"{mtu}", "netns", far.Name);
        near.Ip("link", "set", nearName, "up");
        far.Ip("link", "set", farName, "up");
    }
}
