using Microsoft.Win32.SafeHandles;

namespace Dataplane.Vdev.Tests.Fuzz;

/// <summary>A message of any protocol, with what goes along.</summary>
internal sealed record FuzzMessage(byte[] Bytes, params SafeFileHandle[] Files);

/// <summary>Spoils what a peer that keeps the rules would say.</summary>
internal static class FuzzScript
{
    private const int LongestFlood = 300;

    /// <summary>Nothing, or one to three changes.</summary>
    public static void Spoil(this Random random, List<FuzzMessage> script, FuzzFiles files)
    {
        for (int i = random.Next(4); i > 0 && script.Count != 0; i--)
            Spoil(random, script, random.Next(script.Count), files);
    }

    private static void Spoil(Random random, List<FuzzMessage> script, int at, FuzzFiles files)
    {
        FuzzMessage message = script[at];
        switch (random.Next(12))
        {
            case 0:
                script.RemoveAt(at);
                break;
            case 1:
                script.Insert(random.Next(script.Count), message);
                break;
            case 2:
                script.AddRange(Enumerable.Repeat(message, random.Next(LongestFlood)));
                break;
            case 3:
                int other = random.Next(script.Count);
                (script[at], script[other]) = (script[other], message);
                break;
            case 4:
                script[at] = message with { Bytes = message.Bytes[..random.Next(1, message.Bytes.Length + 1)] };
                break;
            case 5:
                script[at] = message with { Bytes = [.. message.Bytes, .. new byte[random.Next(1, 200)]] };
                break;
            case 6:
                script[at] = message with { Files = [] };
                break;
            case 7:
                script[at] = message with { Files = [.. message.Files, .. Enumerable.Range(0, random.Pick(1, 2, 8, 200)).Select(_ => files.Odd(random))] };
                break;
            case 8:
                script[at] = message with { Files = [.. message.Files.Select(_ => files.Odd(random))] };
                break;
            case 9:
                script.RemoveRange(at, script.Count - at);
                break;
            default:
                byte[] bytes = [.. message.Bytes];
                random.Mutate(bytes);
                script[at] = message with { Bytes = bytes };
                break;
        }
    }
}
