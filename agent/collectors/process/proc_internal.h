// Reading /proc. Every function tolerates that the process is gone by now. Only for agent/collectors/process.
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

}  // namespace medic::proc_read
