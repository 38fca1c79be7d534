using System.Globalization;
using System.Reflection;
using System.Reflection.Emit;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text.RegularExpressions;
using Dataplane.Linux;
using Dataplane.Testing;

namespace Dataplane.Core.Tests.Linux;

/// <summary>
/// Every struct and constant of Dataplane.Core that is declared to be the kernel's, against what the C compilers of both
/// architectures say. .NET lays unmanaged structs out alike on x86-64 and arm64 (same sizes, same alignments), so the
/// layout that this process sees is the one of both.
/// </summary>
public partial class KernelStructTests
{
    private const BindingFlags AnyVisibility = BindingFlags.Public | BindingFlags.NonPublic;

    private static readonly Type[] Types = typeof(KernelStructAttribute).Assembly.GetTypes();

    [SkippableFact]
    public void Structs_and_constants_are_those_of_the_x86_64_headers()
    {
        Prerequisite.Require("x86_64-linux-gnu-gcc", "gcc libc6-dev");
        AssertNoDifferenceOn(KernelArchitectures.X64);
    }

    [SkippableFact]
    public void Structs_and_constants_are_those_of_the_arm64_headers()
    {
        Prerequisite.Require("aarch64-linux-gnu-gcc", "gcc-aarch64-linux-gnu libc6-dev-arm64-cross");
        Prerequisite.Require("qemu-aarch64-static", "qemu-user-static");
        AssertNoDifferenceOn(KernelArchitectures.Arm64);
    }

    [SkippableFact]
    public void The_compilers_know_where_the_architectures_differ()
    {
        Prerequisite.Require("qemu-aarch64-static", "qemu-user-static");

        // Packed on x86-64 alone, so that a 32-bit process there had the same.
        Assert.Equal(12, SizeOfEpollEvent(KernelArchitectures.X64));
        Assert.Equal(16, SizeOfEpollEvent(KernelArchitectures.Arm64));

        static long SizeOfEpollEvent(KernelArchitectures architecture)
        {
            var program = new KernelHeaderProgram(architecture);
            program.Ask(["sys/epoll.h"], "sizeof(struct epoll_event)");
            return program.Run().Values.Single();
        }
    }

    [Fact]
    public void Every_struct_of_the_Linux_folder_says_which_struct_of_the_kernel_it_is()
    {
        Type[] structs = [.. Types.Where(IsStructOfTheLinuxFolder)];
        Type[] declared = [.. structs.Where(type => type.IsDefined(typeof(KernelStructAttribute)))];
        IEnumerable<Type> partsOfDeclared = declared.SelectMany(type => type.GetFields(AnyVisibility | BindingFlags.Instance)).Select(field => field.FieldType);

        Assert.Empty(structs.Except(declared).Except(partsOfDeclared));

        static bool IsStructOfTheLinuxFolder(Type type) =>
            type is { Namespace: "Dataplane.Linux", IsValueType: true, IsEnum: false, IsByRefLike: false }
            && !type.IsDefined(typeof(CompilerGeneratedAttribute));
    }

    [Theory]
    [InlineData("TpBlockSize", "tp_block_size")]
    [InlineData("SllIfindex", "sll_ifindex")]
    [InlineData("Tp2Flags", "tp2_flags")]
    [InlineData("fds_bits", "fds_bits")]
    public void A_field_is_looked_up_in_snake_case(string name, string expected) => Assert.Equal(expected, SnakeCase(name));

    private static void AssertNoDifferenceOn(KernelArchitectures architecture)
    {
        List<Claim> claims = [.. StructClaims(architecture), .. ConstantClaims(architecture)];
        var program = new KernelHeaderProgram(architecture);
        foreach (Claim claim in claims)
            program.Ask(claim.Headers, claim.Expression, claim.OnlyIfDefined);
        Dictionary<string, long> answers = program.Run();
        List<string> differences =
        [
            .. claims
                .Where(claim => answers.TryGetValue(claim.Expression, out long answer) && answer != claim.Value)
                .Select(claim => $"{claim.Where}: {claim.Value} here, but {claim.Expression} is {answers[claim.Expression]}"),
        ];
        Assert.True(differences.Count == 0, string.Join('\n', differences));
    }

    private static IEnumerable<Claim> StructClaims(KernelArchitectures architecture) =>
        from type in Types
        from layout in type.GetCustomAttributes<KernelStructAttribute>()
        where layout.On.HasFlag(architecture)
        from claim in StructClaims(type, layout)
        select claim;

    private static IEnumerable<Claim> StructClaims(Type type, KernelStructAttribute layout)
    {
        yield return new Claim(type.Name, layout.Headers, $"sizeof({layout.Name})", SizeOf(type));
        foreach (FieldInfo field in type.GetFields(AnyVisibility | BindingFlags.Instance))
        {
            string? name = field.GetCustomAttribute<KernelFieldAttribute>()?.Name ?? (field.Name[0] == '_' ? null : SnakeCase(field.Name));
            if (name is null)
                continue;
            string where = $"{type.Name}.{field.Name}";
            yield return new Claim(where, layout.Headers, $"offsetof({layout.Name}, {name})", OffsetOf(field));
            yield return new Claim(where, layout.Headers, $"sizeof((({layout.Name} *)0)->{name})", SizeOf(field.FieldType));
        }
    }

    private static IEnumerable<Claim> ConstantClaims(KernelArchitectures architecture)
    {
        foreach (Type type in Types)
        {
            string[] headersOfType =
                [.. type.GetCustomAttributes<KernelConstantsAttribute>().Where(all => all.On.HasFlag(architecture)).SelectMany(all => all.Headers)];
            foreach (FieldInfo field in type.GetFields(AnyVisibility | BindingFlags.Static).Where(field => field.IsLiteral && !type.IsEnum))
            {
                string where = $"{type.Name}.{field.Name}";
                List<KernelConstantAttribute> own = [.. field.GetCustomAttributes<KernelConstantAttribute>()];
                foreach (KernelConstantAttribute constant in own.Where(constant => constant.On.HasFlag(architecture)))
                {
                    string name = constant.Name ?? field.Name;
                    yield return new Claim(where, constant.Headers, name, ValueOf(field), constant.Recent ? name : null);
                }

                if (own.Count == 0 && headersOfType.Length > 0 && InCapitals().IsMatch(field.Name))
                    yield return new Claim(where, headersOfType, field.Name, ValueOf(field));
            }
        }
    }

    private static long ValueOf(FieldInfo constant) =>
        constant.GetRawConstantValue() is ulong large ? unchecked((long)large) : Convert.ToInt64(constant.GetRawConstantValue(), CultureInfo.InvariantCulture);

    private static string SnakeCase(string name) => WordStart().Replace(name, "_$0").ToLowerInvariant();

    private static int SizeOf(Type type) =>
        type.IsPointer || type.IsFunctionPointer
            ? nint.Size
            : (int)typeof(Unsafe).GetMethod(nameof(Unsafe.SizeOf))!.MakeGenericMethod(type).Invoke(null, null)!;

    /// <summary>The distance of a field's address from its struct's, which holds for buffers and inline arrays too.</summary>
    private static long OffsetOf(FieldInfo field)
    {
        var method = new DynamicMethod("OffsetOf", typeof(long), [typeof(nint)], field.Module, skipVisibility: true);
        ILGenerator il = method.GetILGenerator();
        il.Emit(OpCodes.Ldarg_0);
        il.Emit(OpCodes.Ldflda, field);
        il.Emit(OpCodes.Conv_U);
        il.Emit(OpCodes.Ldarg_0);
        il.Emit(OpCodes.Sub);
        il.Emit(OpCodes.Conv_I8);
        il.Emit(OpCodes.Ret);
        byte[] memory = GC.AllocateArray<byte>(SizeOf(field.DeclaringType!), pinned: true);
        return method.CreateDelegate<Func<nint, long>>()(Marshal.UnsafeAddrOfPinnedArrayElement(memory, 0));
    }

    [GeneratedRegex("(?<=[a-z0-9])[A-Z]", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex WordStart();

    [GeneratedRegex("^[A-Z][A-Z0-9_]*$", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex InCapitals();

    /// <summary>What we say that an expression of C is.</summary>
    private sealed record Claim(string Where, IReadOnlyList<string> Headers, string Expression, long Value, string? OnlyIfDefined = null);
}
