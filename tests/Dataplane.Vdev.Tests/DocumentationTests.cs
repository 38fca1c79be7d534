using Dataplane.Ports;
using Dataplane.Testing;

namespace Dataplane.Vdev.Tests;

public class DocumentationTests
{
    [Fact]
    public void Docs_name_every_driver_and_every_key_in_its_section()
    {
        string[] sections = File.ReadAllText(Repository.PathOf("docs/ports.md")).Split("\n## ");
        foreach (IVdevDriver driver in SoftwarePorts.All)
        {
            string section = Assert.Single(sections, section => section.StartsWith(driver.Name + "\n", StringComparison.Ordinal));
            string[] documented = [.. section.Split('\n').Where(line => line.StartsWith("| `", StringComparison.Ordinal)).Select(line => line.Split('`')[1])];
            Assert.Equal(driver.Keys.Select(key => key.Name), documented);
        }
    }
}
