#include "agent/daemon/sender.h"

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <fstream>

#include "agent/world/real/random.h"

namespace medic {

Result<std::string> sender_of(const std::string& folder) {
    constexpr std::size_t name_bytes = 8;
    const std::string path = folder + "/sender";
    std::error_code error;
    std::string name;
    if (std::filesystem::exists(folder + "/journal.db", error)) {
        std::ifstream in(path);
        std::getline(in, name);
    }
    const bool good = name.size() == name_bytes * 2 &&
                      std::ranges::all_of(name, [](unsigned char c) { return std::isxdigit(c) != 0; });
    if (good) return name;
    MEDIC_TRY(const std::string bytes, random_bytes(name_bytes));
    name.clear();
    for (const char c : bytes) name += fmt::format("{:02x}", static_cast<unsigned char>(c));
    MEDIC_CHECK(write_private_file(path, name + "\n"));
    return name;
}

}  // namespace medic
