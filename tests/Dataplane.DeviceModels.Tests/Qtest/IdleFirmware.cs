namespace Dataplane.DeviceModels.Tests.Qtest;

/// <summary>A firmware whose only work is to do nothing: the CPU must run for devices to work, and is not to disturb.</summary>
internal static class IdleFirmware
{
    private const int Length = 64 << 10;

    /// <summary>The reset vector is 16 bytes below the end (Intel SDM volume 3, 10.1.4 "First Instruction Executed").</summary>
    private const int ResetVector = Length - 16;

    /// <summary>Makes the image: <c>cli; hlt; jmp</c> back to the hlt, and hlt wherever else the CPU could get.</summary>
    public static MemoryFile Create()
    {
        byte[] image = new byte[Length];
        image.AsSpan().Fill(0xF4);
        ReadOnlySpan<byte> idle = [0xFA, 0xF4, 0xEB, 0xFD];
        idle.CopyTo(image.AsSpan(ResetVector));
        var file = new MemoryFile("idle-firmware", Length);
        file.Write(image, 0);
        return file;
    }
}
