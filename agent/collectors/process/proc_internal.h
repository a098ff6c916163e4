// Reading /proc and what file systems say of themselves. Every function tolerates that what it looks at is gone by now.
// Only for agent/collectors/process.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace medic::proc_read {

[[nodiscard]] std::string read_file(const std::string& path);

struct StatFields {
    char state = '?';
    double user_ticks = 0, system_ticks = 0, start_ticks = 0, resident_pages = 0;
};
[[nodiscard]] std::optional<StatFields> stat_fields(const std::string& proc, int pid);
[[nodiscard]] std::optional<double> boot_time(const std::string& proc);  // Seconds since 1970.
[[nodiscard]] std::vector<int> children(const std::string& proc, int pid);
[[nodiscard]] std::vector<std::string> arguments(const std::string& proc, int pid);

struct Descriptors {
    std::size_t count = 0;
    std::set<std::string> socket_inodes;
};
// nullopt: not ours to look at (another user's process).
[[nodiscard]] std::optional<Descriptors> descriptors(const std::string& proc, int pid);
[[nodiscard]] std::vector<int> listening_ports(const std::string& proc, int pid,
                                               const std::set<std::string>& socket_inodes);

[[nodiscard]] std::optional<std::pair<double, double>> cpu_times(
    const std::string& proc);                                                   // Busy and all, in ticks since boot.
[[nodiscard]] std::optional<double> memory_available(const std::string& proc);  // Bytes.

struct FileSystem {
    double size_bytes = 0, available_bytes = 0;  // Available to whoever is not root.
    // Of the file system itself, as the kernel turns it after an error: a service's own view of it may be read-only
    // without that (systemd's ProtectSystem). nullopt: the table of mounts does not tell.
    std::optional<bool> read_only;
};
// nullopt: the path can't be looked at. A hung network file system holds the caller.
[[nodiscard]] std::optional<FileSystem> file_system(const std::string& proc, const std::string& path);

}  // namespace medic::proc_read
