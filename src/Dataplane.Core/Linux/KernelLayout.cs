using System.Runtime.InteropServices;

namespace Dataplane.Linux;

/// <summary>
/// Says that a struct is handed to the kernel as a struct of its headers. A test finds every such struct and compares
/// size, and each field's offset and size, with what the C compilers for x86-64 and arm64 say.
/// A field is looked up by its own name; <c>PascalCase</c> becomes <c>snake_case</c>; one that starts with an
/// underscore is padding and not looked up. <see cref="KernelFieldAttribute"/> overrules.
/// </summary>
/// <param name="name">As C writes it: <c>struct tpacket_req3</c>.</param>
/// <param name="headers">What to include, in this order: <c>linux/if_packet.h</c>.</param>
[AttributeUsage(AttributeTargets.Struct, AllowMultiple = true)]
internal sealed class KernelStructAttribute(string name, params string[] headers) : KernelLayoutAttribute(headers)
{
    /// <summary>As C writes it.</summary>
    public string Name { get; } = name;
}

/// <summary>The C name of a field, where its own name does not say it; a path such as <c>hv1.tp_vlan_tci</c> reaches into nested structs.</summary>
/// <param name="name">What stands in C's offsetof.</param>
[AttributeUsage(AttributeTargets.Field)]
internal sealed class KernelFieldAttribute(string name) : Attribute
{
    /// <summary>What stands in C's offsetof.</summary>
    public string Name { get; } = name;
}

/// <summary>Says that a constant has the value of a macro or enumerator of that name in the kernel's headers; the same test compares.</summary>
/// <param name="headers">What to include, in this order.</param>
[AttributeUsage(AttributeTargets.Field, AllowMultiple = true)]
internal sealed class KernelConstantAttribute(params string[] headers) : KernelLayoutAttribute(headers)
{
    /// <summary>The name in C; null for the constant's own.</summary>
    public string? Name { get; init; }

    /// <summary>True for a macro that is younger than the oldest headers we build with: compared only where it is defined.</summary>
    public bool Recent { get; init; }
}

/// <summary>Says that every constant of a class whose name is in capitals is a macro of these headers; the same test compares.</summary>
/// <param name="headers">What to include, in this order.</param>
[AttributeUsage(AttributeTargets.Class, AllowMultiple = true)]
internal sealed class KernelConstantsAttribute(params string[] headers) : KernelLayoutAttribute(headers);

/// <summary>What the attributes of this file share.</summary>
internal abstract class KernelLayoutAttribute(string[] headers) : Attribute
{
    /// <summary>What to include, in this order.</summary>
    public IReadOnlyList<string> Headers { get; } = headers;

    /// <summary>
    /// The architecture that this layout or value is for; both where it is not set. A struct that differs is written once per
    /// architecture (<c>epoll_event</c> is packed on x86-64 alone) and the code picks by <see cref="RuntimeInformation.ProcessArchitecture"/>.
    /// </summary>
    public KernelArchitectures On { get; init; } = KernelArchitectures.Both;
}

/// <summary>Architectures of the kernel that we run on.</summary>
[Flags]
internal enum KernelArchitectures
{
    None = 0,
    X64 = 1,
    Arm64 = 2,
    Both = X64 | Arm64,
}
