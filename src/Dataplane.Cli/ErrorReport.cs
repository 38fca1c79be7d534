namespace Dataplane.Cli;

/// <summary>Says what failed and what mends it, as l2fwd does: a line each.</summary>
internal sealed class ErrorReport(TextWriter errors)
{
    /// <summary>Whether there was nothing to report.</summary>
    public bool IsEmpty { get; private set; } = true;

    /// <summary>Reports a failure.</summary>
    public void Write(DataplaneException failure)
    {
        IsEmpty = false;
        errors.WriteLine($"dataplane: {failure.Problem}");
        if (failure.Remedy is not null)
            errors.WriteLine($"  Remedy: {failure.Remedy}");
    }

    /// <summary>Does something; a failure is reported and does not end the command.</summary>
    public void Try(Action action)
    {
        try
        {
            action();
        }
        catch (DataplaneException e)
        {
            Write(e);
        }
    }
}
