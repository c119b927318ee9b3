#include "tests/support/edge_process.hpp"

#include <algorithm>

namespace tidemark::support
{
namespace
{
std::vector<std::string> with_defaults(std::vector<std::string> args, const Endpoint& listen,
                                       const Endpoint& admin)
{
    args.insert(args.begin(), "edge");
    const auto add = [&](std::string_view flag, const std::string& value) {
        if (std::find(args.begin(), args.end(), flag) != args.end()) return;
        args.emplace_back(flag);
        args.push_back(value);
    };
    // Where a test says --listen itself, ours is one more.
    args.emplace_back("--listen");
    args.push_back(listen.listen_flag());
    add("--admin", admin.listen_flag());
    add("--workers", "2");
    add("--access-log", "off");
    return args;
}
} // namespace

EdgeProcess::EdgeProcess(std::vector<std::string> args)
{
    begin(with_defaults(std::move(args), listen_.endpoint(), admin_.endpoint()),
          {listen_.endpoint(), admin_.endpoint()});
}

std::string EdgeProcess::url(std::string_view target) const
{
    return "http://" + at().authority() + std::string(target);
}

int EdgeProcess::purge(std::string_view type, const std::vector<std::string>& selectors) const
{
    return ask_admin("POST", "/v1/purge", purge_body(type, selectors)).status();
}
} // namespace tidemark::support
