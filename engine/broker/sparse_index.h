// A sparse index file beside a segment, in Kafka's format: `.index` (relative offset → file position, 4 + 4 bytes) and
// `.timeindex` (timestamp → relative offset, 8 + 4 bytes), ascending, big-endian. Entries wait in memory and reach the
// file in groups: after a crash recovery rebuilds them from the segment.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "agent/base/result.h"

namespace medic::engine::broker {

class SparseIndex {
public:
    enum class Kind : std::uint8_t { offset, time };
    struct Entry {
        std::int64_t key = 0;    // Relative offset, or timestamp in ms.
        std::int64_t value = 0;  // File position, or relative offset.
    };

    SparseIndex(std::filesystem::path path, Kind kind);
    SparseIndex(SparseIndex&&) noexcept;
    SparseIndex& operator=(SparseIndex&&) = delete;
    ~SparseIndex();

    [[nodiscard]] Status open();  // Reads the file's size; a missing file is an empty index.
    void append(Entry entry);     // Keys must not fall; a key equal to the last is ignored.
    [[nodiscard]] Status flush();
    [[nodiscard]] Status clear();  // Empties memory and file.
    void remove_file();

    [[nodiscard]] std::optional<Entry> floor(std::int64_t key) const;  // The last entry with entry.key <= key.
    [[nodiscard]] std::optional<Entry> last() const;
    [[nodiscard]] std::int64_t size_bytes() const;

private:
    [[nodiscard]] std::size_t entry_bytes() const { return kind_ == Kind::offset ? 8 : 12; }
    [[nodiscard]] std::size_t count() const;
    [[nodiscard]] Entry at(std::size_t index) const;
    [[nodiscard]] Status ensure_file();

    std::filesystem::path path_;
    Kind kind_;
    int fd_ = -1;
    std::size_t stored_ = 0;  // Entries in the file; the rest are in pending_.
    std::string pending_;
    std::optional<Entry> last_;
};

}  // namespace medic::engine::broker
