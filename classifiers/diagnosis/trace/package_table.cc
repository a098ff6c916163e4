#include <bit>

#include "classifiers/diagnosis/trace/package_table_internal.h"

namespace medic {
namespace {

constexpr std::size_t borders_max = 8;
constexpr std::uint64_t no_bytes = 1469598103934665603ULL;  // FNV-1a, of an empty name.

std::uint64_t grown(std::uint64_t hash, char c) { return (hash ^ static_cast<unsigned char>(c)) * 1099511628211ULL; }

}  // namespace

PackageTable::PackageTable(std::span<const Entry> entries) : slots_(std::bit_ceil(2 * entries.size() + 1)) {
    for (const auto& entry : entries) {
        auto hash = no_bytes;
        for (const char c : entry.first) hash = grown(hash, c);
        auto& slot = slots_[slot_of(hash, entry.first)];
        if (slot.entry == nullptr) slot = {.hash = hash, .entry = &entry};
    }
}

std::size_t PackageTable::slot_of(std::uint64_t hash, std::string_view package) const {
    const auto mask = slots_.size() - 1;
    auto at = (hash >> 32) & mask;
    while (slots_[at].entry != nullptr && (slots_[at].hash != hash || slots_[at].entry->first != package))
        at = (at + 1) & mask;
    return at;
}

std::optional<FrameOwner> PackageTable::longest(std::string_view name) const {
    std::optional<FrameOwner> best;
    std::size_t borders = 0;
    auto hash = no_bytes;
    for (std::size_t at = 0; at < name.size() && borders < borders_max; ++at) {
        hash = grown(hash, name[at]);
        if (name[at] != '.' && name[at] != ':') continue;
        if (name[at] == ':' && at + 1 < name.size() && name[at + 1] == ':') hash = grown(hash, name[++at]);
        ++borders;
        if (const auto* entry = slots_[slot_of(hash, name.substr(0, at + 1))].entry; entry != nullptr)
            best = entry->second;
    }
    return best;
}

}  // namespace medic
