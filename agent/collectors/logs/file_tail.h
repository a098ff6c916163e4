// The new lines of one file that somebody else writes, looked at again and again. It follows rotation by rename and by
// truncation, waits for the rest of a half-written line, and never reads more in one look than it was told: what is
// over that is skipped and counted. It opens files read-only and keeps at most one open.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

namespace medic {

struct TailOptions {
    std::size_t bytes_per_look_max = 1024 * 1024;
    std::size_t first_look_bytes = 64 * 1024;  // So much of the past is read at the first look.
    std::size_t line_bytes_max = 16 * 1024;    // What is over it is cut off.
};

// What one look has brought.
struct TailedLines {
    std::vector<std::string> lines;   // Without line ends; as they are, hostile bytes included.
    std::uint64_t skipped_bytes = 0;  // Not read, as there was too much.
    std::uint64_t cut_lines = 0;      // Longer than line_bytes_max.
    std::string problem;              // Why nothing could be read; "" = it could.
};

class FileTail {
public:
    FileTail(std::string path, TailOptions options) : path_(std::move(path)), options_(options) {}
    ~FileTail() { close(); }
    FileTail(FileTail&& other) noexcept;
    FileTail& operator=(FileTail&& other) noexcept;

    [[nodiscard]] TailedLines look();
    [[nodiscard]] const std::string& path() const { return path_; }

private:
    enum class From : std::uint8_t { beginning, recent };
    [[nodiscard]] bool open(From from, TailedLines& out);
    void close();
    void read_on(TailedLines& out);
    void take(std::string_view bytes, TailedLines& out);
    void end_line(TailedLines& out);
    void begin_again();
    [[nodiscard]] bool rewritten();

    std::string path_;
    TailOptions options_;
    int fd_ = -1;
    dev_t device_ = 0;
    ino_t inode_ = 0;
    std::uint64_t offset_ = 0;
    std::string beginning_;  // The file's first bytes: when they change, it was written anew.
    std::string partial_;    // A line whose end has not come yet.
    bool cutting_ = false;   // partial_ is full; the rest of this line is thrown away.
    bool skip_to_line_ = false;
    bool grew_ = false;
    bool opened_before_ = false;
};

}  // namespace medic
