#include "classifiers/diagnosis/line_patterns_internal.h"

#include <cstring>

namespace medic {
namespace {

constexpr std::int64_t pattern_bytes_max = 4 << 20;  // Of one pattern's automaton; RE2 falls back to a slower one.

}  // namespace

re2::RE2::Options signature_options() {
    re2::RE2::Options options{re2::RE2::Quiet};
    options.set_encoding(re2::RE2::Options::EncodingLatin1);  // Any bytes are text; `.` is one state instead of ten.
    options.set_max_mem(pattern_bytes_max);
    return options;
}

std::string pattern_of(const Signature& signature) {
    if (signature.engine_frame) return "^(?:flink|kafka|connect) .*?(?:" + signature.re2 + ")";
    if (signature.frame_owner)
        return "^" + std::string{to_string(*signature.frame_owner)} + " .*?(?:" + signature.re2 + ")";
    return signature.re2;
}

std::uint32_t LinePatterns::gram(const char* bytes) {
    std::uint32_t value = 0;
    std::memcpy(&value, bytes, sizeof value);
    return value;
}

Result<int> LinePatterns::add(const std::string& pattern) {
    int id = 0;
    if (patterns_->Add(pattern, signature_options(), &id) != re2::RE2::NoError)
        return fail(ErrorCode::invalid, "broken or too large pattern {}", pattern);
    ++count_;
    return id;
}

void LinePatterns::compile() {
    if (count_ == 0) return;
    patterns_->Compile(&atoms_);
    for (std::size_t at = 0; at < atoms_.size(); ++at) {
        const auto& text = atoms_[at];  // At least atom_bytes_min long.
        const auto first = gram(text.data());
        filter_.set(slot(first));
        atoms_by_gram_[first].push_back({.tail = gram(text.data() + text.size() - atom_bytes_min),
                                         .size = static_cast<std::uint32_t>(text.size()),
                                         .id = static_cast<int>(at)});
    }
}

bool LinePatterns::holds(int pattern, std::string_view line) const {
    return re2::RE2::PartialMatch(re2::StringPiece(line.data(), line.size()), patterns_->GetRE2(pattern));
}

const std::vector<int>& LinePatterns::match(std::string_view line, std::vector<bool>& matched) const {
    thread_local std::string lower;
    thread_local std::vector<int> found, possible, fresh;
    fresh.clear();
    if (count_ == 0) return fresh;
    lower.assign(line);
    for (char& c : lower)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    found.clear();
    for (std::size_t at = 0; at + atom_bytes_min <= lower.size(); ++at) {
        const auto here = gram(lower.data() + at);
        if (!filter_.test(slot(here))) continue;
        const auto atoms = atoms_by_gram_.find(here);
        if (atoms == atoms_by_gram_.end()) continue;
        for (const auto& [tail, size, id] : atoms->second) {
            if (at + size > lower.size() || gram(lower.data() + at + size - atom_bytes_min) != tail) continue;
            const auto& text = atoms_[static_cast<std::size_t>(id)];
            if (std::memcmp(lower.data() + at, text.data(), size) == 0) found.push_back(id);
        }
    }
    possible.clear();
    patterns_->AllPotentials(found, &possible);
    for (const int id : possible) {
        const auto index = static_cast<std::size_t>(id);
        if (matched[index] || !holds(id, line)) continue;
        matched[index] = true;
        fresh.push_back(id);
    }
    return fresh;
}

}  // namespace medic
