using Dataplane.Linux;

namespace Dataplane.Vfio.Vfio;

/// <summary>The IOMMU of a container; tests have others than the kernel's.</summary>
internal unsafe interface IIommu
{
    /// <summary>What it can translate.</summary>
    /// <exception cref="DataplaneException">It does not answer.</exception>
    IommuLimits ReadLimits();

    /// <summary>Lets devices read and write memory at an address.</summary>
    /// <returns>0, or the kernel's error number.</returns>
    int Map(byte* address, nuint length, ulong iova);

    /// <summary>Takes a mapping back, as it was made. Where it fails, the kernel takes it back when the container is closed.</summary>
    void Unmap(ulong iova, ulong length);
}
