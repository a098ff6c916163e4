// The systemd journal of this host through libsystemd.
#include <systemd/sd-journal.h>

#include <algorithm>
#include <system_error>

#include "agent/collectors/logs/logs.h"

namespace medic {
namespace {

struct CloseJournal {
    void operator()(sd_journal* journal) const { sd_journal_close(journal); }
};

std::unexpected<Error> trouble(const char* what, int code) {
    return fail(ErrorCode::unavailable, "{}: {}", what, std::generic_category().message(-code));
}

class SystemdJournal : public JournalReader {
public:
    explicit SystemdJournal(std::string unit) : unit_(std::move(unit)) {}

    Result<std::vector<JournalLine>> read(std::size_t lines_max) override {
        if (!journal_) MEDIC_CHECK(open());
        // Files come and go while we look away: the library must be told to notice.
        if (const int code = sd_journal_process(journal_.get()); code < 0) return trouble("can't follow", code);
        std::vector<JournalLine> lines;
        while (lines.size() < lines_max) {
            const int more = sd_journal_next(journal_.get());
            if (more < 0) {
                journal_.reset();  // Opened anew at the next look, at the end again.
                return trouble("can't read on", more);
            }
            if (more == 0) break;
            if (auto line = current()) lines.push_back(*std::move(line));
        }
        return lines;
    }

private:
    Status open() {
        sd_journal* opened = nullptr;
        if (const int code = sd_journal_open(&opened, SD_JOURNAL_LOCAL_ONLY); code < 0)
            return trouble("can't open", code);
        journal_.reset(opened);
        // A message longer than a record is cut by the library already.
        (void)sd_journal_set_data_threshold(opened, RecordJoiner::record_bytes_max);
        // What the unit printed, and what systemd says of it (killed, out of memory, restarted).
        const std::string printed = "_SYSTEMD_UNIT=" + unit_, about = "UNIT=" + unit_;
        int code = sd_journal_add_match(opened, printed.c_str(), printed.size());
        if (code >= 0) code = sd_journal_add_disjunction(opened);
        if (code >= 0) code = sd_journal_add_match(opened, about.c_str(), about.size());
        if (code >= 0) code = sd_journal_get_fd(opened) >= 0 ? 0 : code;  // Begins to watch for new files.
        if (code >= 0) code = sd_journal_seek_tail(opened);
        // seek_tail stands behind the last entry only after a step back (sd_journal_seek_tail(3)).
        if (code >= 0) code = sd_journal_previous(opened);
        if (code >= 0) return {};
        journal_.reset();
        return trouble("can't open", code);
    }

    [[nodiscard]] std::optional<std::string> field(const char* name) const {
        const void* data = nullptr;
        std::size_t size = 0;
        if (sd_journal_get_data(journal_.get(), name, &data, &size) < 0) return std::nullopt;
        const std::string_view both(static_cast<const char*>(data), size);
        const auto sign = both.find('=');
        return sign == std::string_view::npos ? std::nullopt : std::optional(std::string(both.substr(sign + 1)));
    }

    [[nodiscard]] std::optional<JournalLine> current() const {
        auto text = field("MESSAGE");
        if (!text) return std::nullopt;
        JournalLine line;
        line.text = *std::move(text);
        std::uint64_t us = 0;
        if (sd_journal_get_realtime_usec(journal_.get(), &us) >= 0) line.at = {static_cast<std::int64_t>(us / 1000)};
        if (const auto priority = field("PRIORITY"); priority && priority->size() == 1)
            line.priority = (*priority)[0] - '0';
        return line;
    }

    std::string unit_;
    std::unique_ptr<sd_journal, CloseJournal> journal_;
};

}  // namespace

std::unique_ptr<JournalReader> open_journal(const std::string& unit) { return std::make_unique<SystemdJournal>(unit); }

}  // namespace medic
