#include "agent/daemon/behaviour.h"

#include <filesystem>
#include <set>

#include "agent/world/real/file_hash.h"
#include "classifiers/diagnosis/embedded/embedded.h"

namespace medic {
namespace {

constexpr std::uint64_t file_bytes_max = 16 << 20;

Result<std::string> rules_compiled_in() {
    std::string all;
    for (const EmbeddedFile& file : embedded_rule_files()) {
        MEDIC_TRY(const std::string hash, sha256_of(file.text));
        all += fmt::format("{} {}\n", file.path, hash);
    }
    return all;
}

Result<std::string> rules_in(const std::string& directory) {
    std::error_code error;
    std::set<std::filesystem::path> files;  // In an order that is no file system's.
    for (const auto& entry : std::filesystem::recursive_directory_iterator(directory, error))
        if (entry.is_regular_file(error)) files.insert(entry.path());
    if (error) return fail(ErrorCode::invalid, "{}: {}", directory, error.message());
    std::string all;
    for (const auto& file : files) {
        MEDIC_TRY(const std::string hash, sha256_of_file(file.string(), file_bytes_max));
        all += fmt::format("{} {}\n", std::filesystem::relative(file, directory, error).string(), hash);
    }
    return all;
}

}  // namespace

Result<std::string> behaviour_of(const BehaviourParts& parts) {
    std::string policy = "none";
    if (!parts.policy_path.empty()) {
        MEDIC_TRY(policy, sha256_of_file(parts.policy_path, file_bytes_max));
    }
    MEDIC_TRY(const std::string rules,
              parts.rules_directory.empty() ? rules_compiled_in() : rules_in(parts.rules_directory));
    return sha256_of(fmt::format("{}\n{}\n{}", parts.program, policy, rules));
}

}  // namespace medic
