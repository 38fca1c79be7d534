namespace Dataplane.Vdev.Kernel;

/// <summary>What was opened for an object in the making; given back, newest first, unless it is completed.</summary>
internal sealed class Construction : IDisposable
{
    private readonly Stack<IDisposable> _owned = new();

    /// <summary>Takes care of a resource until the object is complete.</summary>
    public T Own<T>(T resource)
        where T : IDisposable
    {
        _owned.Push(resource);
        return resource;
    }

    /// <summary>From now on the object itself takes care of everything.</summary>
    public void Complete() => _owned.Clear();

    public void Dispose()
    {
        while (_owned.TryPop(out IDisposable? resource))
            resource.Dispose();
    }
}
