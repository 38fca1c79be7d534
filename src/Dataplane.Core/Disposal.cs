using System.Runtime.ExceptionServices;

namespace Dataplane;

/// <summary>Gives several things back of which one may fail.</summary>
internal static class Disposal
{
    /// <summary>Disposes all of them, in order, also those behind one that throws; the first exception is thrown at the end.</summary>
    public static void All(IEnumerable<IDisposable> owned)
    {
        Exception? first = null;
        foreach (IDisposable disposable in owned)
        {
            try
            {
                disposable.Dispose();
            }
            catch (Exception exception)
            {
                first ??= exception;
            }
        }

        if (first is not null)
            ExceptionDispatchInfo.Throw(first);
    }
}
