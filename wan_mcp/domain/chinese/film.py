"""What every floor says about films."""

FILM: dict[str, str] = {
    # domain/script.py
    "shot must be from 1 to {count}, not {number}.": "shot 必须在 1 到 {count} 之间，不能是 {number}。",
    "shots is missing: a list of 1 to {most} shots.": "缺少 shots：须为 1 到 {most} 个镜头的列表。",
    "shots must be a list of 1 to {most} shots, not {shown}.": "shots 必须是 1 到 {most} 个镜头的列表，不能是 {shown}。",
    "Shot {number}: {problem}": "镜头 {number}：{problem}",
    "{name} belongs in a shot: give it there.": "{name} 属于单个镜头：请写在镜头里。",
    "{name} holds for the whole film: give it beside shots.": "{name} 适用于整部影片：请写在 shots 旁边。",
    "it must be an object like {example}, not {shown}.": "它必须是形如 {example} 的对象，不能是 {shown}。",
    "prompt and style have together {both} characters ({own} and {styles}, and the space between); at most {most} are "
    "allowed (DashScope would cut the rest silently and bill it); shorten one of them.": (
        "prompt 与 style 共 {both} 个字符（分别为 {own} 和 {styles}，加上中间的空格）；最多允许 {most} 个"
        "（超出部分会被 DashScope 静默截断并照常计费）；请缩短其中之一。"
    ),
    # adapters/ledger/, service/
    "Version {version} of {film} was written by somebody else.": "{film} 的第 {version} 版已由他处写入。",
    "{id} is a film.": "{id} 是影片的编号。",
    "Call get_film with it.": "请用它调用 get_film。",
    "More is missing by now: this costs {cost}, and the person agreed to {asked}. Nothing was sent.": (
        "此刻缺少的更多：现需 {cost}，而用户同意的是 {asked}。未发送任何内容。"
    ),
    "Call {tool} again; the person is asked anew.": "请重新调用 {tool}，会再次询问用户。",
    "{id} is a video, not a film.": "{id} 是单个视频，不是影片。",
    "Call {tool} with it.": "请用它调用 {tool}。",
    "The retake of {film} is called off. What had started is made, paid and joined: shot {shots}.": (
        "{film} 的重拍已取消。已经开始的镜头仍会完成、计费并合成：镜头 {shots}。"
    ),
    "Call retake with the shot's number for another take.": "如需再拍一次，请用该镜头的编号调用 retake。",
    "There is no film {id}.": "没有影片 {id}。",
    "list_video_tasks shows the films that there are.": "list_video_tasks 会列出现有的影片。",
    "No shot of {id} is missing.": "{id} 没有缺少的镜头。",
    "Name the shot of which another take is wanted.": "请指明要重拍的镜头。",
    "It is not known whether {id} was made and charged.": "尚不清楚 {id} 是否已生成并扣费。",
    "The person settles it first, with `wan-mcp settle {id}`.": "请本人先用 `wan-mcp settle {id}` 裁定。",
    "Shot {shot} is still {status}.": "镜头 {shot} 仍处于 {status}。",
    "Wait for it with get_film, or cancel {id} while it has not started.": (
        "请用 get_film 等待，或在 {id} 尚未开始时取消它。"
    ),
    "{id} was changed in this very moment.": "{id} 刚刚被更改。",
    # cli/film.py
    "{file} cannot be read: {reason}.": "无法读取 {file}：{reason}。",
    "the character {character} is not allowed.": "不允许使用字符 {character}。",
    "{file} is nested too deeply.": "{file} 嵌套过深。",
    "a name must be text.": "名称必须是文本。",
    "{name} stands here twice.": "{name} 在此出现两次。",
    "this looks like a date or a number and is none; put it in quotes if it is text.": (
        "这里看似日期或数字，却不是有效值；若是文字，请加引号。"
    ),
    "it is not text in UTF-8": "不是 UTF-8 编码的文本",
    "there is no such file": "没有这个文件",
    "it is a folder": "这是文件夹",
    "it may not be read": "没有读取权限",
    "this is no YAML ({problem}).": "不是合法的 YAML（{problem}）。",
    "{file} must have a title and shots.": "{file} 必须有 title 和 shots。",
    "Mend the lines and run it again.": "请改正这些行后重新运行。",
    "The same film is already under way, so nothing new was ordered.": "同样的影片已在进行中，因此没有新下单。",
    "Stopped. `wan-mcp show {film}` shows whether it was ordered.": "已停止。运行 `wan-mcp show {film}` 可查看是否已下单。",
    "film": "影片",
    "shot {number}": "镜头 {number}",
    "shot {numbers} {status}": "镜头 {numbers} {status}",
    "{seconds} s, {prompt}": "{seconds} 秒，{prompt}",
    "{price} for {shots}, {seconds} s": "{price}，共 {shots}，{seconds} 秒",
    "Stopped waiting. What was sent goes on at DashScope; the rest is sent while a wan-mcp runs. Come back with\n"
    "  wan-mcp film {film}": (
        "已停止等待。已发送的镜头在 DashScope 上继续；其余的在 wan-mcp 运行时发送。之后可用以下命令继续：\n"
        "  wan-mcp film {film}"
    ),
    "Make a film of many shots. PAID.": "制作由多个镜头组成的影片。收费。",
    "Make a film. PAID.": "制作一部影片。收费。",
    "Only say the plan and the price.": "只显示计划与价格。",
    "SCRIPT is a YAML or JSON file: title, shots (each with a prompt), and what create_film takes beside them; - reads "
    "it from stdin. The id of a film goes on with it, and waits for it.": (
        "SCRIPT 是 YAML 或 JSON 文件：title、shots（每个都有 prompt），以及 create_film 的其他参数；- 表示从标准输入读取。"
        "给出影片编号则继续并等待该影片。"
    ),
    "Ends with 0 when the film is saved, 1 when nothing was made, 3 when it needs you and something is made or may be: "
    "then do not order it again, but `wan-mcp retake` what is missing. With --no-wait 0 says that it is ordered.": (
        "影片已保存时返回 0，没有生成时返回 1，需要你处理且已有或可能已有镜头生成时返回 3：此时请勿重新下单，"
        "用 `wan-mcp retake` 补拍缺少的镜头。带 --no-wait 时返回 0 表示已下单。"
    ),
    "Return once it is ordered; `wan-mcp film` with its id makes it later.": (
        "下单后立即返回；之后用 `wan-mcp film` 加影片编号完成。"
    ),
    "Make a shot of a film anew. PAID.": "重拍影片的镜头。收费。",
    "Without --shot it makes all that are missing, and joins the film again, which costs nothing. Older takes are kept.": (
        "不带 --shot 时补拍所有缺少的镜头，并重新合成影片（合成不收费）。较早的镜次予以保留。"
    ),
    "Ends as `film` does.": "返回值与 `film` 相同。",
    "Which.": "镜头号。",
    "all missing": "所有缺少的镜头",
    "Another prompt for this shot.": "此镜头的新提示词。",
    "--prompt and --seed are for one shot: name it by --shot.": "--prompt 和 --seed 针对单个镜头：请用 --shot 指明。",
    "shots": "镜头",
    "`wan-mcp preview {film}` shows the shots, and `wan-mcp retake {film} --shot {shot}` makes one that came out badly anew (here shot {shot}).": (
        "运行 `wan-mcp preview {film}` 可查看各镜头，运行 `wan-mcp retake {film} --shot {shot}` 可重拍效果不佳的镜头（此处为镜头 {shot}）。"
    ),
    # server/
    "shots must be a list of 1 to {most} durations, each {words}.": "shots 必须是 1 到 {most} 个时长的列表，每个为 {words}。",
    "prompt and seed are for one shot: name it by shot.": "prompt 和 seed 针对单个镜头：请用 shot 指明。",
    "{film} is {status}, so there is no file of it.": "{film} 处于 {status}，因此没有它的文件。",
    # server/film_views.py
    "film of {shots}, {seconds} s": "影片，{shots}，{seconds} 秒",
    "1 shot": "1 个镜头",
    "{count} shots": "{count} 个镜头",
    "; ": "；",
    "The same is already under way, so nothing new was ordered: {told}": "同样的内容已在进行中，因此没有新下单：{told}",
    "The retake of shot {shots} is called off, and its {cost} given back.": "镜头 {shots} 的重拍已取消，为它预留的 {cost} 已退回。",
    "{film} is called off. What had started is made, paid and kept: shot {shots}.": (
        "{film} 已取消。已经开始的镜头仍会完成、计费并保留：镜头 {shots}。"
    ),
    "{film} (“{title}”, {seconds} s) is RENDERING: {saved} of {shots} saved, {time} ({states}).": (
        "{film}（“{title}”，{seconds} 秒）处于 RENDERING：已保存 {saved}/{shots}，{time}（{states}）。"
    ),
    "after {elapsed} s of usually {usual} s": "已用 {elapsed} 秒，通常需 {usual} 秒",
    "after {elapsed} s, longer than the usual {usual} s": "已用 {elapsed} 秒，超过通常的 {usual} 秒",
    "{film}: {shots} saved, now being joined into one file.": "{film}：{shots}均已保存，正在合成为一个文件。",
    "{film} needs you: {shots} saved, but not joined. {why}": "{film} 需要你处理：{shots}均已保存，但无法合成。{why}",
    "{film} needs you: {saved} of {shots} saved.": "{film} 需要你处理：已保存 {saved}/{shots}。",
    "{shots}, {seconds} s": "{shots}，{seconds} 秒",
    "plays {seconds} s": "播放 {seconds} 秒",
    ", ": "，",
    "{film} SUCCEEDED. File: {file} ({facts}).": "{film} SUCCEEDED。文件：{file}（{facts}）。",
    "{film} is CANCELED; made and kept: {saved} of {shots}.": "{film} 为 CANCELED；已生成并保留 {saved}/{shots}。",
    "Shot {shots}: {trouble}": "镜头 {shots}：{trouble}",
    "{status}.": "{status}。",
    "{status} ({code}: “{why}”).": "{status}（{code}：“{why}”）。",
    "It may have been charged, and is looked for at DashScope; do not order it again.": (
        "可能已扣费，正在 DashScope 查找；请勿重新下单。"
    ),
    "It may have been charged; a person settles it with `wan-mcp settle {task}`.": (
        "可能已扣费；请本人用 `wan-mcp settle {task}` 裁定。"
    ),
    "{held} held, {charged} charged.": "已预留 {held}，已扣费 {charged}。",
    "Call get_film with this film_id to see what becomes of it.": "请用此 film_id 调用 get_film 查看结果。",
    "called off; what had started is made, paid and kept": "已取消；已经开始的镜头仍会完成、计费并保留",
    "The rest goes on meanwhile.": "其余镜头照常进行。",
    "The file has the older take of it.": "文件中是该镜头较早的镜次。",
    "Next: call get_film with this film_id.": "下一步：用此 film_id 调用 get_film。",
    "Once it is put right, call retake with this film_id alone: joining again costs nothing.": (
        "问题解决后，仅用此 film_id 调用 retake：重新合成不收费。"
    ),
    "Look at the shots with preview_video; call retake for one that came out badly; tell the user where the file is.": (
        "请用 preview_video 查看各镜头；效果不佳的调用 retake 重拍；并告知用户文件位置。"
    ),
    "To go on with it after all, call retake with this film_id alone.": "若仍要继续，请仅用此 film_id 调用 retake。",
    "Call retake with the shot's number and another prompt (content filters also err).": (
        "请用镜头号和新的提示词调用 retake（内容审核也可能误判）。"
    ),
    "Once that is settled, call retake with this film_id for what is missing.": (
        "裁定之后，用此 film_id 调用 retake 补拍缺少的镜头。"
    ),
    "Call retake with this film_id: without a shot it orders all that are missing, at their price.": (
        "请用此 film_id 调用 retake：不指定镜头即补拍所有缺少的镜头，按其价格收费。"
    ),
    "{shots} saved, joining": "{shots}已保存，正在合成",
    "{saved} of {shots} saved": "已保存 {saved}/{shots}",
    "{count} rendering": "{count} 个正在生成",
    "{count} waiting": "{count} 个排队中",
    "{count} uncertain": "{count} 个不确定",
    "{count} being saved": "{count} 个正在保存",
    "Make the film “{title}”, {shots}, for {cost} ({basis})?": (
        "是否以 {cost} 制作影片“{title}”（{shots}，{basis}）？"
    ),
    "Make shot {shots} of “{title}” anew for {cost}?": "是否以 {cost} 重拍“{title}”的镜头 {shots}？",
    # domain/script.py
    "crossfade must be 0 to {most} seconds, not {shown}.": "crossfade 必须是 0 到 {most} 秒，不能是 {shown}。",
}
