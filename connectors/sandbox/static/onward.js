// Saves the click where scripts run; without them the page's button does the same.
document.getElementById("onward").submit();
