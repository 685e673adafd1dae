"""What `cli/` says of tasks and money."""

TERMINAL = {
    # cli/pages.py
    'No tasks yet. `wan-mcp create "a paper boat in the rain"` makes one.': (
        '还没有任务。运行 `wan-mcp create "雨中的纸船"` 即可创建一个。'
    ),
    "file": "文件",
    "link": "链接",
    "task": "任务",
    "video": "视频",
    "cost": "费用",
    "time": "时间",
    "problem": "问题",
    "last try": "上次尝试",
    "next": "下一步",
    ", seed {seed}": "，随机种子 {seed}",
    ", {size}": "，{size}",
    "waits with us at place {place}": "在本地排队，第 {place} 位",
    "{elapsed} s of usually {usual} s": "已 {elapsed} 秒，通常 {usual} 秒",
    "took {elapsed} s": "用时 {elapsed} 秒",
    "{url} (until {end})": "{url}（有效期至 {end}）",
    "Do not create it again: it is looked for at DashScope, and {again} goes on with that.": (
        "请勿重新创建：正在 DashScope 中查找它，运行 {again} 可继续查找。"
    ),
    "A server sends it when there is room, and so does {again}": "有空位时由服务器发送，也可运行 {again}",
    "{again} waits for it and fetches the file.": "运行 {again} 可等待它完成并取回文件。",
    "every video is drawn for its prompt": "每个视频都按提示词绘制",
    "every video is the same packaged clip; install the extra 'media' to have each one drawn": (
        "所有视频都是同一段自带短片；安装附加组件 media 后会逐个绘制"
    ),
    "{note}.": "{note}。",
    "{codec}, {width}×{height}, {seconds:g} s, {fps:g} fps": "{codec}，{width}×{height}，{seconds:g} 秒，每秒 {fps:g} 帧",
    "Status": "状态",
    "Video": "视频",
    "Asked": "请求时间",
    "Cost": "费用",
    "1 paid video is not saved yet, and its link dies in {hours} h {minutes} min. "
    "`wan-mcp tasks --watch` or `wan-mcp show {id} --wait 300` saves it.": (
        "有 1 个已付费的视频尚未保存，其链接将在 {hours} 小时 {minutes} 分钟后失效。"
        "运行 `wan-mcp tasks --watch` 或 `wan-mcp show {id} --wait 300` 即可保存。"
    ),
    "{count} paid videos are not saved yet, and the first link dies in {hours} h {minutes} min. "
    "`wan-mcp tasks --watch` saves them.": (
        "有 {count} 个已付费的视频尚未保存，最早的链接将在 {hours} 小时 {minutes} 分钟后失效。"
        "运行 `wan-mcp tasks --watch` 即可保存。"
    ),
    "1 task should be done by now, and nobody watches it: `wan-mcp show {id} --wait 300` fetches it.": (
        "有 1 个任务应已完成，但无人跟进：运行 `wan-mcp show {id} --wait 300` 即可取回。"
    ),
    "{count} tasks should be done by now, and nobody watches them: `wan-mcp tasks --watch` fetches them.": (
        "有 {count} 个任务应已完成，但无人跟进：运行 `wan-mcp tasks --watch` 即可取回。"
    ),
    "not saved yet": "尚未保存",
    "basis": "计价",
    "budget": "预算",
    "quota": "免费额度",
    "note": "说明",
    # cli/progress.py
    "{elapsed}, waits with us at place {place}": "{elapsed}，在本地排队，第 {place} 位",
    "the answer was lost, it is looked for; do not create it again": "应答丢失，正在查找；请勿重新创建",
    "saving the file": "正在保存文件",
    "{elapsed}, usually {usual}": "{elapsed}，通常 {usual}",
    "{elapsed} of usually {usual}": "{elapsed}，通常 {usual}",
    # cli/terminal.py, cli/board.py
    "Yes or no?": "是或否？",
    "{question} [y/N]:": "{question} [y 是 / N 否]：",
    "Ctrl-C ends the watching; the tasks go on.": "按 Ctrl-C 停止查看；任务会继续。",
    "Stopped watching. Open tasks go on; a server or `wan-mcp tasks --watch` fetches their files.": (
        "已停止查看。未完成的任务会继续；由服务器或 `wan-mcp tasks --watch` 取回文件。"
    ),
    # cli/usage.py
    "total": "合计",
    "{charged} charged, {held} held": "已扣费 {charged}，已预留 {held}",
    "number": "数字",
    "Charged and held today, {currency}": "今日的已扣费与预留，{currency}",
    "Charged and held in the last {days} days, {currency}": "最近 {days} 天的已扣费与预留，{currency}",
    "Mon": "周一",
    "Tue": "周二",
    "Wed": "周三",
    "Thu": "周四",
    "Fri": "周五",
    "Sat": "周六",
    "Sun": "周日",
    "1 task": "1 个任务",
    "{count} tasks": "{count} 个任务",
    "{tasks}, {held} held": "{tasks}，已预留 {held}",
    # cli/order.py
    " (simulated: nothing is paid)": "（模拟器：无需付费）",
    "price": "价格",
    "This costs {cost}, you are asked above {threshold}, and there is no terminal to ask on. "
    "Nothing was sent.": "费用为 {cost}，超过 {threshold} 需征得你的同意，而这里没有可供询问的终端。尚未发送任何内容。",
    "If you agree, run it again with --max-cost {plain}, or with --yes.": (
        "若你同意，请加上 --max-cost {plain} 或 --yes 重新运行。"
    ),
    "You did not agree to {cost}. Nothing was sent.": "你未同意支付 {cost}。尚未发送任何内容。",
    "Nothing was sent. No money moved.": "尚未发送任何内容。本次操作未产生费用。",
    "The same request is still open, so nothing new was created; another --seed makes another.": (
        "相同的请求尚未完成，因此没有新建任务；换一个 --seed 可另行创建。"
    ),
    "Stopped. `wan-mcp tasks` shows whether it was created.": "已停止。运行 `wan-mcp tasks` 可查看任务是否已创建。",
    "Stopped waiting; the task goes on.": "已停止等待；任务会继续。",
    "Stopped. {id} has ended: {status}.": "已停止。{id} 已结束：{status}。",
    "Stopped waiting. {id} is made and paid; a server that runs here fetches its file.": (
        "已停止等待。{id} 已生成并扣费；在此运行的服务器会取回文件。"
    ),
    "Stopped waiting. {id} waits with us: a server or `wan-mcp tasks --watch` sends it.": (
        "已停止等待。{id} 在本地排队：由服务器或 `wan-mcp tasks --watch` 发送。"
    ),
    "Stopped waiting. {id} goes on at DashScope; a server that runs here fetches its file.": (
        "已停止等待。{id} 在 DashScope 继续进行；在此运行的服务器会取回文件。"
    ),
    "{what} Or come back with\n  wan-mcp show {id} --wait 300": "{what}也可运行\n  wan-mcp show {id} --wait 300",
    # cli/commands.py, cli/servers.py
    "The token of {name}, shown only now; it is sent as “Authorization: Bearer …”:": (
        "{name} 的令牌，仅此一次显示；以 “Authorization: Bearer …” 的形式发送："
    ),
    "Give either --is DASHSCOPE_TASK_ID or --never-arrived.": (
        "请给出 --is DASHSCOPE_TASK_ID 或 --never-arrived 其中之一。"
    ),
    "Record that it is DashScope's {remote_id}? This cannot be taken back.": (
        "要记录它就是 DashScope 的 {remote_id} 吗？此操作无法撤销。"
    ),
    "Record that it never arrived and frees {cost}? This cannot be taken back.": (
        "要记录它从未送达并释放 {cost} 吗？此操作无法撤销。"
    ),
    "{id} is settled by a person's word, and there is no terminal to ask on.": (
        "{id} 需由本人裁定，而这里没有可供询问的终端。"
    ),
    "Run it again with --yes.": "请加上 --yes 重新运行。",
    "Nothing was recorded.": "未作任何记录。",
    "Stopped. `wan-mcp show {id}` shows whether it was recorded.": "已停止。运行 `wan-mcp show {id}` 可查看是否已记录。",
    "Stopped. `wan-mcp show {id}` shows whether it was canceled.": "已停止。运行 `wan-mcp show {id}` 可查看是否已取消。",
    "Give either --size or --resolution.": "请只给出 --size 或 --resolution 其中之一。",
    "--name has letters, digits, - and _ only.": "--name 只能包含字母、数字、- 和 _。",
    "DashScope is simulated at {url}; {note}. Point wan-mcp at it:": (
        "DashScope 模拟器运行于 {url}；{note}。将 wan-mcp 指向它："
    ),
    "Ctrl-C ends it.": "按 Ctrl-C 结束。",
    "{host} port {port}: {reason}. Another --port may be free.": (
        "{host} 端口 {port}：{reason}。可换一个 --port 再试。"
    ),
}
